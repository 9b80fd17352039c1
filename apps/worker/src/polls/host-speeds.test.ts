import { beforeEach, expect, it } from 'vitest';
import { createHostSpeeds, type HostSpeeds } from './host-speeds.ts';

const HOST = '1101.api.green-api.com';

let now: number;
let speeds: HostSpeeds;
beforeEach(() => {
  now = 0;
  speeds = createHostSpeeds({ now: () => now });
});

function answers(count: number, tookMs: number, outcome = 'code', host = HOST): void {
  for (let n = 0; n < count; n++) speeds.note(host, outcome, tookMs);
}

it('a host that answers slowly is slow, and others are not', () => {
  answers(10, 4_000);
  answers(10, 100, 'code', 'other.example');
  expect([HOST, 'other.example', 'new.example'].map(speeds.stateOf)).toEqual(['slow', 'fine', 'fine']);
});

it('it stays slow until most answers of a minute are fast', () => {
  answers(10, 4_000);
  answers(29, 100);
  expect(speeds.stateOf(HOST)).toBe('slow');
  answers(2, 100);
  expect(speeds.stateOf(HOST)).toBe('fine');
});

it('answers of more than a minute ago do not count', () => {
  answers(10, 4_000);
  now = 59_000;
  answers(4, 4_000);
  expect(speeds.stateOf(HOST)).toBe('slow');
  now = 61_000;
  answers(1, 100);
  expect(speeds.stateOf(HOST)).toBe('slow');
  now = 122_000;
  expect(speeds.stateOf(HOST)).toBe('fine'); // nobody asked it for a minute
  answers(4, 4_000);
  expect(speeds.stateOf(HOST)).toBe('fine'); // too few to know
});

it('a host that answers nobody is down', () => {
  answers(10, 65_000, 'provider_timeout');
  expect(speeds.stateOf(HOST)).toBe('down');
});
