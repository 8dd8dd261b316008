// Pods, and Kubernetes' manifests of them, in Podman.

import { describe, expect, test } from 'vitest';

import { until } from './machine.ts';
import { imageName } from './images.ts';

import type { Engine } from './engine.ts';

const image = imageName('busybox');

const manifest = `apiVersion: v1
kind: Pod
metadata:
  name: played
spec:
  restartPolicy: Never
  containers:
    - name: server
      image: ${image}
      command: [httpd, -f, -p, "8000", -h, /etc]
    - name: client
      image: ${image}
      command: [sh, -c, "echo $WORD; cat /data/file; exec sleep 1000"]
      env: [{ name: WORD, value: said }]
      volumeMounts: [{ name: data, mountPath: /data }]
  volumes:
    - name: data
      hostPath: { path: /run/played, type: Directory }
`;

export function describePods(podman: Engine): void {
  describe('pods', () => {
    const answers = async (client: string): Promise<void> =>
      until('it answers', async () => (await podman.call(client)).stdout.includes('root:'));

    test('two containers with one network', async () => {
      await podman.succeed(`pod create --infra-image ${imageName('pause')} -p 8081:8000 --name pod`);
      await podman.succeed(`run -d --pod pod --name server ${image} httpd -f -p 8000 -h /etc`);
      const client = `run --rm --pod pod ${image} wget -qO- http://127.0.0.1:8000/passwd`;
      await answers(client);
      expect(await podman.machine.shell('busybox wget -qO- http://127.0.0.1:8081/passwd')).toContain('root:');
      expect(await podman.succeed(`pod inspect --format '{{.NumContainers}}' pod`)).toBe('2');
      await podman.succeed('pod stop -t 0 pod');
      await podman.succeed('pod start pod');
      await answers(client);
      await podman.succeed('pod rm -f -t 0 pod');
      await podman.nothingLeft();
    });

    test('a manifest is played, and torn down', async () => {
      podman.machine.write('/run/played/file', 'mounted\n');
      podman.machine.write('/run/pod.yaml', manifest);
      await podman.machine.shell('chmod 755 /run/played');
      await podman.succeed('play kube /run/pod.yaml');
      await answers('exec played-client wget -qO- http://127.0.0.1:8000/passwd');
      expect(await podman.succeed('logs played-client')).toBe('said\nmounted');
      expect(await podman.succeed('generate kube played')).toContain('kind: Pod');
      await podman.succeed('play kube --down /run/pod.yaml');
      await podman.machine.shell('rm -r /run/played /run/pod.yaml');
      await podman.nothingLeft();
    });
  });
}
