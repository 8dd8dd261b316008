// Node's cluster: three workers behind one port; one is ended, the others go on.
const cluster = require('node:cluster');
const http = require('node:http');

if (cluster.isPrimary) primary();
else http.createServer((_, response) => response.end(String(process.pid))).listen(9000);

function primary() {
  const answered = new Set();
  const get = () =>
    new Promise((done) => {
      http.get({ port: 9000, agent: false }, (response) => {
        let body = '';
        response.on('data', (chunk) => (body += chunk));
        response.on('end', () => done(answered.add(body)));
      });
    });
  const times = (count) => Promise.all(Array.from({ length: count }, get));
  for (let i = 0; i < 3; i++) cluster.fork();
  let up = 0;
  cluster.on('listening', async () => {
    if (++up < 3) return;
    await times(60);
    console.log('answered by several', answered.size > 1 || process.env.NODE_CLUSTER_SCHED_POLICY === 'none');
    Object.values(cluster.workers)[0].kill();
    cluster.once('exit', async (worker, code, signal) => {
      console.log('one ended', signal);
      await times(20);
      console.log('others go on');
      for (const worker of Object.values(cluster.workers)) worker.disconnect();
    });
  });
}
