/** What a call answers on the docs page, and the headers of the answers. */

import type { OpenApiDocument, OpenApiOperation, OpenApiResponse } from '@qrcast/core/contract/openapi';
import { type Html, html, inline } from '../http/html.ts';
import { codeBlock, json } from './code.ts';
import { nameOf, schemaLink } from './schema.ts';

type Answered = Pick<OpenApiOperation, 'responses'>;

function responsesOf({ components }: OpenApiDocument, { responses }: Answered): [status: string, OpenApiResponse][] {
  // Entries begin with the keys that are whole numbers: `410` would stand before `2XX`.
  const inOrder = Object.entries(responses).sort(([a], [b]) => (a < b ? -1 : 1));
  return inOrder.map(([status, response]) => {
    if (!('$ref' in response)) return [status, response];
    const shared = components.responses[response.$ref.split('/').at(-1) ?? ''];
    if (shared === undefined) throw new Error(`the document has no ${response.$ref}`);
    return [status, shared];
  });
}

/** One row for each status. The codes of a refusal and the headers link to their sections. */
export function answerList(document: OpenApiDocument, operation: Answered): Html {
  const rows = responsesOf(document, operation).map(([status, response]) => {
    const codes = codesOf(response);
    return html`<div><dt><span class="status s${status.slice(0, 1)}">${status === 'default' ? 'other' : status}</span></dt><dd>${
      codes.length > 0 ? codes.map((code) => html`<a class="code-link" href="#error-${code}"><code>${code}</code></a> `) : answer(response)
    }${headerLinks(response)}</dd></div>`;
  });
  return html`<dl class="answers">${rows}</dl>`;
}

function answer({ description, content = {} }: OpenApiResponse): Html {
  const bodies = Object.entries(content).map(([type, { schema }]) => {
    const name = nameOf(schema);
    return name === null ? html` <code>${type}</code>` : html` ${schemaLink(name)}`;
  });
  return html`${inline(description)}.${bodies}`;
}

/** The error codes of a refusal; empty for other responses. */
function codesOf({ content = {} }: OpenApiResponse): readonly string[] {
  return Object.keys(content['application/problem+json']?.examples ?? {});
}

/** The first answer that has an example; null if none has. */
export function sampleAnswer(document: OpenApiDocument, operation: Answered): Html | null {
  for (const [status, { content = {} }] of responsesOf(document, operation)) {
    for (const { example } of Object.values(content)) {
      if (example !== undefined) return codeBlock(`Answer ${status}`, typeof example === 'string' ? html`${example}` : json(example));
    }
  }
  return null;
}

function headerLinks({ headers = {} }: OpenApiResponse): Html | null {
  const links = Object.keys(headers).map((name, i) => html`${i === 0 ? '' : ', '}<a href="#header-${name}"><code>${name}</code></a>`);
  return links.length === 0 ? null : html` <span class="rules">with the header${links.length === 1 ? '' : 's'} ${links}</span>`;
}

/** Each header once, because most calls answer with the same few. */
export function headersSection(document: OpenApiDocument): Html {
  const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
  const headers = operations
    .flatMap((operation) => responsesOf(document, operation))
    .flatMap(([, response]) => Object.entries(response.headers ?? {}));
  const rows = [...new Map(headers)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([name, { description, example }]) => html`<div id="header-${name}"><dt><code>${name}</code></dt>
<dd>${inline(description)}. <span class="rules">for example <code>${example}</code></span></dd></div>`,
    );
  return html`<section id="headers">
<h2><a href="#headers">Response headers</a></h2>
<p class="lead">Each call names the headers of its answers. This is what they mean.</p>
<dl class="words">${rows}</dl>
</section>`;
}
