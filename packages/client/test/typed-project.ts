/**
 * Users' projects for the compiler: how they resolve packages, and code that uses every part of the
 * client.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Output, PACKAGE_FOLDER, type Project, run } from '../../../infra/test/packed-client.ts';

export interface Resolution {
  readonly name: string;
  readonly module: string;
  readonly moduleResolution: string;
  /** The project's `type`, which decides between `import` and `require`. */
  readonly type: 'module' | 'commonjs';
}

const resolution = (module: string, moduleResolution: string, type: Resolution['type']): Resolution => ({
  name: `${moduleResolution}, ${type}`,
  module,
  moduleResolution,
  type,
});

/** One of each kind. The others are in the release suite. */
export const RESOLUTIONS: readonly Resolution[] = [
  resolution('esnext', 'bundler', 'module'),
  resolution('node16', 'node16', 'commonjs'),
  resolution('nodenext', 'nodenext', 'module'),
];
export const OTHER_RESOLUTIONS: readonly Resolution[] = [
  resolution('esnext', 'bundler', 'commonjs'),
  resolution('preserve', 'bundler', 'module'),
  resolution('node16', 'node16', 'module'),
  resolution('nodenext', 'nodenext', 'commonjs'),
];

export interface Source {
  readonly kind: string;
  readonly code: string;
}

const readme = readFileSync(join(PACKAGE_FOLDER, 'README.md'), 'utf8');
export const README_CODE: readonly Source[] = [...readme.matchAll(/```(tsx?)\n(.*?)```/gs)].map(([, kind = '', code = '']) => ({
  kind,
  code,
}));

export const STRICT: Source = {
  kind: 'ts',
  code: `
  import { useSession } from '@qrcast/client/react';
  import { socketIo } from '@qrcast/client/socket-io';
  import type { Session, Snapshot } from '@qrcast/client/types';
  import { isFinal, watchSession } from '@qrcast/client';
  import { io } from 'socket.io-client';
  const watch = watchSession({ url: 'https://a', ticket: 't', transport: socketIo(io) });
  const snapshot: Snapshot = watch.snapshot;
  export const undo: () => void = watch.on('session', (session: Session) => session.code?.staleAt.toFixed());
  export const isOver: boolean = snapshot.session !== null && isFinal(snapshot.session);
  export const state: 'connected' | null = snapshot.session?.state === 'connected' ? snapshot.session.state : null;
  // @ts-expect-error: a ticket is text
  useSession({ url: 'https://a', ticket: 7 });`,
};

/** The element in a script. */
export const ELEMENT: Source = {
  kind: 'ts',
  code: `
  import type { LoginEvents, QrcastLoginElement } from '@qrcast/client/element';
  const login = document.createElement('qrcast-login');
  login.renewTicket = async () => 'eyJ…';
  document.querySelector('qrcast-login')?.addEventListener('qrcast-connected', ({ detail }) => detail.account?.phone?.toUpperCase());
  export const same: QrcastLoginElement = login;
  export const screen = ({ title, direction }: LoginEvents['qrcast-state']): string => title + direction;
  // @ts-expect-error: there is no such property
  login.token = 'secret';`,
};

/** The element in JSX. */
export const screenWith = (framework: 'react' | 'preact'): Source => ({
  kind: 'tsx',
  code: `
  import { createRef } from '${framework}';
  import type { QrcastLoginElement } from '@qrcast/client/element';
  import type {} from '@qrcast/client/element/${framework}';
  export function Screen({ ticket }: { ticket: string }) {
    const login = createRef<QrcastLoginElement>();
    return (
      <main className="page">
        <qrcast-login ref={login} key="login" id="l" style={{ margin: 'auto' }} ticket={ticket} lang="ru" theme="dark" auto-return owns-page=""
          renewTicket={async () => ticket} onqrcast-connected={({ detail }) => detail.account?.phone?.toUpperCase()} />
      </main>
    );
  }
  // @ts-expect-error: a ticket is text
  export const wrongTicket = <qrcast-login ticket={7} />;
  // @ts-expect-error: "false" would count as present
  export const wrongFlag = <qrcast-login ticket="t" auto-return={false} />;
  // @ts-expect-error: there is no such theme
  export const wrongTheme = <qrcast-login ticket="t" theme="blue" />;
  // @ts-expect-error: there is no such element
  export const wrongName = <qrcast-logins ticket="t" />;`,
});

/** @param tsc the compiler. Default: the workspace's own */
export function compile(
  project: Project,
  { module, moduleResolution, type }: Resolution,
  sources: readonly Source[],
  {
    tsc = 'tsc',
    ...more
  }: { readonly tsc?: string; readonly jsx?: string; readonly jsxImportSource?: string; readonly skipLibCheck?: boolean } = {},
): Output {
  const compilerOptions = {
    module,
    moduleResolution,
    target: 'es2022',
    lib: ['es2022', 'dom', 'dom.iterable'],
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    jsx: 'react-jsx',
    types: [],
    ...more,
  };
  const files = sources.map(({ kind }, i) => `source-${i}.${kind}`);
  project.write({
    ...Object.fromEntries(sources.map(({ code }, i) => [`source-${i}.${sources[i]?.kind}`, awaitless(code, type)])),
    'tsconfig.json': { compilerOptions, files },
    'package.json': { type },
  });
  return run(project.folder, [tsc, '-p', 'tsconfig.json']);
}

/** CommonJS has no `await` at the top. */
function awaitless(code: string, type: Resolution['type']): string {
  if (type === 'module' || !/^for await/m.test(code)) return code;
  const start = code.search(/^for await/m);
  return `${code.slice(0, start)}void (async () => {\n${code.slice(start)}\n})();`;
}
