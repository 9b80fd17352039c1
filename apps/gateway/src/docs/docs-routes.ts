/**
 * The contract from the running server: `/openapi.json` and `/asyncapi.json` for machines, `/docs`
 * for people. Made once, at the first call.
 */

import { readFileSync } from 'node:fs';
import { asyncApiDocument } from '@qrcast/core/contract/asyncapi';
import { openApiDocument } from '@qrcast/core/contract/openapi';
import type { FastifyInstance } from 'fastify';
import software from '../../package.json' with { type: 'json' };
import { createStaticFile, type StaticFile, sendStaticFile } from '../http/static-file.ts';
import { docsPage } from './page.ts';

export interface ContractRoutesDeps {
  /** Where clients reach us; known once the server listens. */
  readonly publicUrl: () => string;
}

/** Nothing inline, nothing from elsewhere, no script. */
const DOCS_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/** Short, because a deploy may change the contract. */
const CACHE = 'public, max-age=300';
/** Long, because the address names the content: a page never loads the style of another version. */
const STYLE_CACHE = 'public, max-age=31536000, immutable';

interface Contract {
  readonly openApi: StaticFile;
  readonly asyncApi: StaticFile;
  readonly docs: StaticFile;
}

export function addContractRoutes(app: FastifyInstance, { publicUrl }: ContractRoutesDeps): void {
  const style = createStaticFile('text/css; charset=utf-8', readFileSync(new URL('docs.css', import.meta.url)));
  let made: Contract | null = null;

  function contract(): Contract {
    if (made !== null) return made;
    const options = { serverUrl: publicUrl(), version: software.version };
    const openApi = openApiDocument(options);
    const asyncApi = asyncApiDocument(options);
    const styleUrl = `docs.css?v=${/"(.*)"/.exec(style.etag)?.[1]}`;
    made = {
      openApi: createStaticFile('application/json', Buffer.from(JSON.stringify(openApi))),
      asyncApi: createStaticFile('application/json', Buffer.from(JSON.stringify(asyncApi))),
      docs: createStaticFile('text/html; charset=utf-8', Buffer.from(docsPage({ openApi, asyncApi, styleUrl }))),
    };
    return made;
  }

  // Tools on other pages read them as well.
  app.get('/openapi.json', async (request, reply) =>
    sendStaticFile(request, reply.header('access-control-allow-origin', '*'), contract().openApi, CACHE),
  );
  app.get('/asyncapi.json', async (request, reply) =>
    sendStaticFile(request, reply.header('access-control-allow-origin', '*'), contract().asyncApi, CACHE),
  );
  app.get('/docs', async (request, reply) =>
    sendStaticFile(request, reply.header('content-security-policy', DOCS_POLICY), contract().docs, CACHE),
  );
  app.get('/docs.css', async (request, reply) => sendStaticFile(request, reply, style, STYLE_CACHE));
}
