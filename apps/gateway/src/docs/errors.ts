/** The error codes and the close codes on the docs page. */

import type { AsyncApiDocument } from '@qrcast/core/contract/asyncapi';
import type { OpenApiDocument } from '@qrcast/core/contract/openapi';
import { ERRORS } from '@qrcast/core/errors';
import { type Html, html, inline } from '../http/html.ts';

export function errorsSection({ components }: OpenApiDocument): Html {
  const words = (components.schemas['ErrorCode']?.['x-enumDescriptions'] ?? {}) as Readonly<Record<string, string>>;
  const rows = Object.entries(ERRORS).map(
    ([code, { status, retryable }]) => html`<div id="error-${code}">
<dt><span class="status s${String(status).slice(0, 1)}">${status}</span> <code>${code}</code>${retryable ? html` <span class="retry">may be repeated</span>` : null}</dt>
<dd>${inline(words[code] ?? '')}</dd></div>`,
  );
  return html`<section id="errors">
<h2><a href="#errors">Errors</a></h2>
<p class="lead">As <code>application/problem+json</code> over HTTP (<a href="#schema-Problem">Problem</a>), as <a href="#schema-StreamError">StreamError</a> on a stream.</p>
<dl class="words" id="schema-ErrorCode">${rows}</dl>
</section>`;
}

export function closeCodesSection(asyncApi: AsyncApiDocument): Html {
  const rows = asyncApi['x-close-codes'].map(
    ({ number, code, retryable, description }) => html`<div id="close-${number}">
<dt><span class="status s${retryable ? '3' : '5'}">${number}</span> <code>${code}</code> <span class="retry">${retryable ? 'reconnect' : 'do not reconnect unchanged'}</span></dt>
<dd>${inline(description)}</dd></div>`,
  );
  return html`<section id="close-codes">
<h2><a href="#close-codes">Close codes</a></h2>
<p class="lead">Why a stream was closed. The range of the number tells what to do, even for numbers that you do not know.</p>
<dl class="words" id="schema-CloseReason">${rows}</dl>
</section>`;
}
