/**
 * The command: runs one simulator with one instance until a signal. `SIMULATOR_PORT` sets the port
 * (default 4000; 0 takes a free one).
 */
import { once } from 'node:events';
import { invisibleFault } from '@qrcast/core/invisible';
import { withoutMark } from '@qrcast/core/utf8';
import { openSimulator } from './simulator.ts';

const DEFAULT_PORT = 4_000;
const MAX_PORT = 65_535;

function readPort(given = String(DEFAULT_PORT)): number {
  const value = withoutMark(given);
  const fault = invisibleFault(value);
  if (fault !== null) throw new RangeError(`SIMULATOR_PORT: ${fault}`);
  const port = Number(value);
  if (/^\d+$/.test(value) && port <= MAX_PORT) return port;
  throw new RangeError(`SIMULATOR_PORT must be a whole number from 0 to ${MAX_PORT}, but is "${value}"`);
}

async function run(): Promise<void> {
  const simulator = await openSimulator({ port: readPort(process.env['SIMULATOR_PORT']) });
  const { idInstance, apiToken } = simulator.createInstance();
  const { url } = simulator;
  process.stdout.write(`A simulated provider listens on ${url} (made-up credentials, everything in memory)

  idInstance        ${idInstance}
  apiTokenInstance  ${apiToken}

  curl ${url}/v3/waInstance${idInstance}/qr/${apiToken}
  curl -X POST ${url}/control/instances/${idInstance}/scan
  curl ${url}/control

`);
  const stopped = new AbortController();
  await Promise.race(['SIGINT', 'SIGTERM'].map((name) => once(process, name, { signal: stopped.signal })));
  stopped.abort();
  await simulator.close();
}

run().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : 'the simulator failed'}\n`);
  process.exitCode = 1;
});
