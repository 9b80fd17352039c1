/**
 * A provider whose codes are real ones: pictures of login links, as the simulator draws them. Each
 * instance has a new code every 20 s, at its own moments, until its login. The same origin serves a
 * bare page that shows the code of an instance.
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Releasers } from '@qrcast/runtime/releasers';
import { openSimulator } from '@qrcast/simulator/simulator';
import { BARE_PAGE, BARE_PAGE_PATH } from '../bare-page.ts';
import { inParallel } from '../pace.ts';
import { serveRole } from '../role-process.ts';
import { rotatingPicture } from '../unique-picture.ts';
import type { DrawnCode } from './code-reader.ts';

const KEEP_ALIVE_MS = 120_000;
const AT_ONCE = 8;
const LINKED = Buffer.from(JSON.stringify({ type: 'alreadyLogged', message: 'instance account already authorized' }));

export type CodeProviderMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  const linked = new Set<string>();
  let pictures: readonly Buffer[] = [];
  let answerMs = 0;
  let polls = 0;

  function answer(instance: string, method: string, response: ServerResponse): void {
    const isLinked = linked.has(instance);
    if (method !== 'qr') send(response, stateAnswer(isLinked));
    else send(response, isLinked ? LINKED : codeAnswer(rotatingPicture(pictures, Number(instance), Date.now())));
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url ?? '', 'http://provider');
    if (pathname === BARE_PAGE_PATH) return void response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(BARE_PAGE);
    const [, instance, method] = /^(?:\/v3)?\/waInstance(\d+)\/(\w+)/.exec(pathname) ?? [];
    if (instance === undefined || method === undefined) return void response.writeHead(404).end();
    polls++;
    if (answerMs === 0) answer(instance, method, response);
    else setTimeout(answer, answerMs, instance, method, response);
  }

  return {
    /** Draws so many codes, which the instances share. Resolves to what they say and show. */
    async start(count: number): Promise<{ url: string; codes: readonly DrawnCode[] }> {
      const codes = await drawCodes(count);
      pictures = codes.map(({ image }) => Buffer.from(image.slice(image.indexOf(',') + 1), 'base64'));
      const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, handle);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      releasers.push('server', () => server.closeAllConnections());
      return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, codes }; // it listens on TCP
    },
    answerAfter(ms: number): void {
      answerMs = ms;
    },
    /** The person scans the code of the instance. */
    link: (instance: string): void => void linked.add(instance),
    unlink: (instance: string): void => void linked.delete(instance),
    /** Requests since the last call. */
    takePolls(): number {
      const taken = polls;
      polls = 0;
      return taken;
    },
  };
}

async function drawCodes(count: number): Promise<readonly DrawnCode[]> {
  const simulator = await openSimulator({ logLimit: 1 });
  try {
    const codes: DrawnCode[] = [];
    await inParallel(count, AT_ONCE, async (place) => {
      const instance = simulator.createInstance();
      const answered = await fetch(`${simulator.url}/waInstance${instance.idInstance}/qr/${instance.apiToken}`);
      const { message } = (await answered.json()) as { readonly message: string }; // the simulator's answer for a code
      codes[place] = { link: instance.code() ?? '', image: `data:image/png;base64,${message}` };
    });
    return codes;
  } finally {
    await simulator.close();
  }
}

function stateAnswer(isLinked: boolean): Buffer {
  return Buffer.from(JSON.stringify({ stateInstance: isLinked ? 'authorized' : 'notAuthorized' }));
}

function codeAnswer(picture: Buffer): Buffer {
  return Buffer.from(`{"type":"qrCode","message":"${picture.toString('base64')}"}`);
}

function send(response: ServerResponse, body: Buffer): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
}

serveRole(createMethods);
