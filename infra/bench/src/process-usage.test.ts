import { expect, it } from 'vitest';
import { canReadUsage, cpuMsIn, rssBytesIn, usageOfFamily } from './process-usage.ts';

it('reads the CPU time of a process', () => {
  expect(cpuMsIn('1500500000 5320 33\n')).toBe(1_500.5);
});

it('reads the memory of a process', () => {
  expect(rssBytesIn('Name:\tnginx\nVmRSS:\t    2048 kB\nRssAnon:\t 1 kB\n')).toBe(2_097_152);
});

it.runIf(canReadUsage())('reads what this process uses', async () => {
  const { cpuMs, rssBytes } = await usageOfFamily(process.pid);
  expect(cpuMs).toBeGreaterThan(0);
  expect(rssBytes).toBeGreaterThan(1e6);
});
