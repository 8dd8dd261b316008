{
  "targets": [
    {
      "target_name": "runsc_addon",
      "sources": [
        "native/addon/addon.cc",
        "native/addon/gofer_fs.cc",
        "native/addon/hostio.cc",
        "native/addon/process.cc",
        "native/addon/sockets.cc"
      ],
      "defines": ["NAPI_VERSION=9"],
      "include_dirs": ["native/include"],
      "cflags_cc": ["-std=c++17", "-O2", "-fno-exceptions", "-fno-rtti", "-Wall", "-Wextra"]
    }
  ]
}
