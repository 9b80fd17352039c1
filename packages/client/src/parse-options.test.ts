import { afterEach, describe, expect, it, vi } from 'vitest';
import { createScript } from '../test/transport.ts';
import { parseOptions } from './parse-options.ts';
import type { WatchOptions } from './types.ts';

const GOOD: WatchOptions = { url: 'https://qrcast.example.com', ticket: 'a-secret-ticket' };

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('options', () => {
  it.each([
    ['url', undefined, 'nothing'],
    ['url', '', 'string of 0'],
    ['url', 'qrcast.example.com', 'string of 18'],
    ['url', 'ftp://qrcast.example.com', 'string of 24'],
    ['url', 'wss://qrcast.example.com', 'string of 24'],
    ['url', 'https://qrcast.example.com/connect#a-secret-ticket', 'string of 50'],
    ['url', 'https://user:a-secret-word@qrcast.example.com', 'string of 45'],
    ['url', 'https://qrcast.example.com?ticket=a-secret-ticket', 'string of 49'],
    ['url', new URL('https://qrcast.example.com'), 'object'],
    ['ticket', undefined, 'nothing'],
    ['ticket', '', 'string of 0'],
    ['ticket', { ticket: 'a-secret-ticket' }, 'object'],
    ['ticket', null, 'null'],
    ['transport', 'carrier-pigeon', 'string of 14'],
    ['transport', null, 'null'],
    ['transport', {}, 'object'],
    ['formats', [], 'array of 0'],
    ['formats', 'text', 'string of 4'],
    ['formats', ['text', 'a-secret-ticket'], 'array of 2'],
    ['renewTicket', 'a-secret-ticket', 'string of 15'],
    ['signal', {}, 'object'],
    ['signal', null, 'null'],
    ['visible', 'yes', 'string of 3'],
  ])('%s may not be %j', (option, value, kind) => {
    const error = caught({ ...GOOD, [option]: value });
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(new RegExp(`^watchSession: options.${option}: expected .+ \\(came: ${kind}\\)$`));
    expect(error.message).not.toContain('secret');
  });

  it.each([undefined, null, 'https://qrcast.example.com'])('may not be %j', (value) => {
    expect(caught(value).message).toMatch(/^watchSession: options: expected an object with url and ticket \(came: /);
  });

  it('may have a gateway below a path', () => {
    expect(parseOptions({ ...GOOD, url: 'https://example.com/qrcast/' }).url).toBe('https://example.com/qrcast');
    expect(parseOptions({ ...GOOD, url: 'HTTP://LOCALHOST:3000' }).url).toBe('http://localhost:3000');
  });

  it('name the transports, best first', () => {
    const names = (transport?: WatchOptions['transport']): string[] =>
      parseOptions(transport === undefined ? GOOD : { ...GOOD, transport }).transports.map(({ name }) => name);
    expect(names()).toEqual(['websocket', 'sse', 'long-poll']);
    expect(names('auto')).toEqual(['websocket', 'sse', 'long-poll']);
    expect(names('websocket')).toEqual(['websocket']);
    expect(names('sse')).toEqual(['sse']);
    expect(names('long-poll')).toEqual(['long-poll']);
    expect(names(createScript().transport('socket.io'))).toEqual(['socket.io']);
  });

  it('skip the WebSocket if there is none', () => {
    vi.stubGlobal('WebSocket', undefined);
    expect(parseOptions(GOOD).transports.map(({ name }) => name)).toEqual(['sse', 'long-poll']);
    expect(caught({ ...GOOD, transport: 'websocket' }).message).toContain('there is no WebSocket here');
  });
});

function caught(options: unknown): Error {
  try {
    parseOptions(options as WatchOptions); // as from JavaScript
  } catch (error) {
    return error as Error;
  }
  throw new Error('expected a TypeError');
}
