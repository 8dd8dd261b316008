// What Podman needs besides the runtime, on a machine without systemd.

/** A machine's root may lack CAP_SYS_RESOURCE: then limits can only be lowered. */
export const PODMAN_CONFIG = `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
apparmor_profile = "unconfined"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runsc"
`;
