/**
 * The image's health check: asks this container's own port. The first argument is the path.
 * `/healthz` means that the process is alive, `/readyz` that it does its work. The second is the
 * port, and PORT without it. A whole URL as the first asks another container. Exits with status 1 if
 * the answer is not 200, or takes too long.
 */

const TIMEOUT_MS = 4_000;

const [, , path = '/healthz', port = process.env['PORT'] || '3000'] = process.argv;

const said = await fetch(new URL(path, `http://127.0.0.1:${port}`), { signal: AbortSignal.timeout(TIMEOUT_MS) }).then(
  async (answer) => ({ isGood: answer.status === 200, text: await answer.text() }),
  (error: Error) => ({ isGood: false, text: `no answer (${error.name})` }),
);
process.stdout.write(`${said.text.trim()}\n`);
process.exitCode = said.isGood ? 0 : 1;
