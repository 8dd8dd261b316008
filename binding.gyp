{
  "targets": [
    {
      "target_name": "runsc_addon",
      "sources": [
        "native/addon/addon.cc",
        "native/addon/engine.cc",
        "native/addon/epoll.cc",
        "native/addon/gofer_fs.cc",
        "native/addon/hostio.cc",
        "native/addon/image.cc",
        "native/addon/image_writer.cc",
        "native/addon/inet_sockets.cc",
        "native/addon/lockdown.cc",
        "native/addon/mappings.cc",
        "native/addon/process.cc",
        "native/addon/sockets.cc",
        "native/addon/stub_process.cc",
        "native/addon/systrap.cc",
        "native/addon/systrap_cpu.cc",
        "native/addon/systrap_loop.cc",
        "native/addon/systrap_wait.cc"
      ],
      "defines": ["NAPI_VERSION=9"],
      "include_dirs": ["native/include"],
      "cflags_cc": ["-std=c++17", "-O2", "-fno-exceptions", "-fno-rtti", "-Wall", "-Wextra"]
    },
    {
      "target_name": "launcher",
      "type": "executable",
      "sources": [
        "native/launcher/broker.cc",
        "native/launcher/broker_filter.cc",
        "native/launcher/broker_policy.cc",
        "native/launcher/broker_serve.cc",
        "native/launcher/cgroup.cc",
        "native/launcher/console.cc",
        "native/launcher/descriptors.cc",
        "native/launcher/exec.cc",
        "native/launcher/failure.cc",
        "native/launcher/flow.cc",
        "native/launcher/hook.cc",
        "native/launcher/hooks.cc",
        "native/launcher/exec_front.cc",
        "native/launcher/identity.cc",
        "native/launcher/jail.cc",
        "native/launcher/trees.cc",
        "native/launcher/view_mounts.cc",
        "native/launcher/janitor.cc",
        "native/launcher/join.cc",
        "native/launcher/main.cc",
        "native/launcher/device_program.cc",
        "native/launcher/idmap.cc",
        "native/launcher/mover.cc",
        "native/launcher/netns.cc",
        "native/launcher/outcome.cc",
        "native/launcher/plan.cc",
        "native/launcher/program.cc",
        "native/launcher/report.cc",
        "native/launcher/scan.cc",
        "native/launcher/staging.cc",
        "native/launcher/standin.cc",
        "native/launcher/start.cc",
        "native/launcher/state.cc",
        "native/launcher/steps.cc",
        "native/launcher/supervise.cc",
        "native/launcher/text.cc",
        "native/launcher/view.cc",
        "native/launcher/view_proc.cc"
      ],
      "cflags_cc": [
        "-std=c++17", "-O2", "-fno-exceptions", "-fno-rtti", "-ffunction-sections", "-fdata-sections",
        "-Wall", "-Wextra"
      ],
      "ldflags": ["-static", "-Wl,--gc-sections", "-s"]
    },
    {
      "target_name": "front",
      "type": "executable",
      "sources": [
        "native/front/connection.cc",
        "native/front/delete_container.cc",
        "native/front/front.cc",
        "native/front/node.cc",
        "native/front/print_state.cc",
        "native/front/send_signal.cc",
        "native/front/start_container.cc",
        "native/front/state_file.cc"
      ],
      "cflags_cc": [
        "-std=c++17", "-O2", "-fno-exceptions", "-fno-rtti", "-ffunction-sections", "-fdata-sections",
        "-Wall", "-Wextra"
      ],
      "ldflags": ["-static", "-Wl,--gc-sections", "-s"]
    },
    {
      "target_name": "restore",
      "type": "none",
      "conditions": [
        ["target_arch=='x64'", {
          "actions": [
            {
              "action_name": "build_restore",
              "inputs": ["native/image/build.sh", "native/image/restore.c", "native/include/image_format.h"],
              "outputs": ["<(PRODUCT_DIR)/restore"],
              "action": ["sh", "native/image/build.sh", "<(PRODUCT_DIR)/restore"]
            }
          ]
        }]
      ]
    },
    {
      "target_name": "rehearsal",
      "type": "none",
      "conditions": [
        ["target_arch=='x64'", {
          "actions": [
            {
              "action_name": "build_rehearsal",
              "inputs": ["<!@(find native/image/rehearsal -type f)"],
              "outputs": ["<(PRODUCT_DIR)/rehearsal"],
              "action": [
                "gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-Wno-unused-result", "-static", "-s",
                "-o", "<(PRODUCT_DIR)/rehearsal", "<!@(find native/image/rehearsal -name '*.c')"
              ]
            },
            {
              "action_name": "build_rehearsal_dynamic",
              "inputs": ["<!@(find native/image/rehearsal -type f)"],
              "outputs": ["<(PRODUCT_DIR)/rehearsal-dynamic"],
              "action": [
                "gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-Wno-unused-result", "-s",
                "-o", "<(PRODUCT_DIR)/rehearsal-dynamic", "<!@(find native/image/rehearsal -name '*.c')"
              ]
            }
          ]
        }]
      ]
    },
    {
      "target_name": "stub",
      "type": "none",
      "actions": [
        {
          "action_name": "build_stub",
          "variables": { "arch": "<!(uname -m)" },
          "inputs": ["<!@(find native/stub -type f)"],
          "outputs": ["<(PRODUCT_DIR)/stub"],
          "action": ["sh", "native/stub/build.sh", "<(arch)", "<(PRODUCT_DIR)/stub"]
        }
      ]
    }
  ]
}
