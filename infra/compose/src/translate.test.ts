import { expect, it } from 'vitest';
import type { ComposeFile } from './compose-file.ts';
import { assignPorts, createTranslate } from './translate.ts';

const FILE: ComposeFile = {
  services: {
    redis: { image: 'redis', expose: ['6379'] },
    proxy: { image: 'caddy', ports: ['127.0.0.1:8080:8080'], expose: ['8081'], networks: { front: { ipv4_address: '172.30.80.2' } } },
    beside: { image: 'caddy', network_mode: 'service:proxy' },
  },
  secrets: {},
};
let next = 40_000;
const ports = await assignPorts(FILE, async () => next++);
const paths = new Map([
  ['/data', '/state/data'],
  ['/etc/data', '/state/etc/data'],
]);
const at = (name: string) => createTranslate(FILE, name, ports, paths);

it('names of services become the loopback address', () => {
  expect(at('proxy')('redis://user:secret@redis:6379 gateway9:6379')).toBe('redis://user:secret@127.0.0.1:40000 gateway9:6379');
});

it('own ports become those of this machine, and published ones stay', () => {
  expect(at('redis')('6379')).toBe('40000');
  expect(at('redis')('redis://127.0.0.1:6379')).toBe('redis://127.0.0.1:40000');
  expect(at('proxy')('http://:8080 { }\nhttp://:8081 { }')).toBe('http://:8080 { }\nhttp://:40001 { }');
  expect(at('proxy')('6379')).toBe('6379');
});

it('a service in the network of another has its ports', () => {
  expect(at('beside')('127.0.0.1:8081')).toBe('127.0.0.1:40001');
});

it('fixed addresses and paths are translated, the longest path first', () => {
  expect(at('redis')('172.30.80.2')).toBe('127.0.0.1');
  expect(at('redis')('--dir=/data /etc/data/file /database /x/data')).toBe('--dir=/state/data /state/etc/data/file /database /x/data');
});
