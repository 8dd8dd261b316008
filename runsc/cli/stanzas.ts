// What other container managers need in their configuration, in their own languages.

export interface Stanza {
  readonly manager: string;
  /** Where it belongs. */
  readonly place: string;
  readonly text: string;
}

/** `name` is what users ask for: a containerd handler, a RuntimeClass, `podman --runtime`. */
export function stanzas(name: string, path: string): Stanza[] {
  const quoted = JSON.stringify(path);
  const runtimes = 'plugins."io.containerd.grpc.v1.cri".containerd.runtimes';
  const plugin = `${runtimes}.${tomlKey(name)}`;
  return [
    {
      manager: 'containerd',
      place: '/etc/containerd/config.toml, version 2',
      // With any runtime in the file, containerd forgets runc, which it gives by default.
      text: `# Leave out the first one if the file has it already.
[${runtimes}.runc]
  runtime_type = "io.containerd.runc.v2"
[${plugin}]
  runtime_type = "io.containerd.runc.v2"
  [${plugin}.options]
    BinaryName = ${quoted}
`,
    },
    {
      manager: 'cri-o',
      place: `/etc/crio/crio.conf.d/50-${name}.conf`,
      text: `[crio.runtime.runtimes.${tomlKey(name)}]
runtime_type = "oci"
runtime_path = ${quoted}
runtime_root = ${JSON.stringify(`/run/${name}`)}
`,
    },
    {
      manager: 'podman',
      place: `/etc/containers/containers.conf.d/50-${name}.conf`,
      text: `[engine]
runtime_supports_json = ["crun", "runc", "kata", ${JSON.stringify(name)}]
[engine.runtimes]
${tomlKey(name)} = [${quoted}]
`,
    },
    {
      manager: 'kubernetes',
      place: 'kubectl apply -f -',
      text: `apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata:
  name: ${JSON.stringify(name)}
handler: ${JSON.stringify(name)}
`,
    },
  ];
}

function tomlKey(name: string): string {
  return /^[A-Za-z0-9_-]+$/.test(name) ? name : JSON.stringify(name);
}
