import { expect, it } from 'vitest';
import { builtIn, nchanConfig } from './nchan-program.ts';

it('finds the modules and the version in what nginx says of itself', () => {
  const text = 'nginx version: nginx/1.22.1\nconfigure arguments: --prefix=/share --modules-path=/lib/modules --with-threads\n';
  expect(builtIn(text)).toEqual({ modulesFolder: '/lib/modules', version: '1.22.1' });
  expect(builtIn('nginx version: nginx/1.28.0\nconfigure arguments: --prefix=/share').modulesFolder).toBe('/share/modules');
});

it('configures one nginx for one Redis', () => {
  const program = { nginx: '/sbin/nginx', module: '/lib/nchan.so', version: '1' };
  const config = nchanConfig(program, { port: 8_080, redisUrl: 'redis://:secret@127.0.0.1:6379', folder: '/tmp/one' });
  expect(config).toContain('load_module "/lib/nchan.so";');
  expect(config).toContain('listen 127.0.0.1:8080 ');
  expect(config).toContain('nchan_redis_server redis://:secret@127.0.0.1:6379;');
  expect(config).toContain('client_body_temp_path "/tmp/one/client_body";');
});
