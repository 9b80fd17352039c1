// @vitest-environment happy-dom
import { nothing, render } from 'lit';
import { expect, it, vi } from 'vitest';
import { html, svg } from './tidy-html.ts';

const drawn = (template: unknown): HTMLElement => {
  const place = document.createElement('div');
  render(template, place);
  return place;
};
/** The HTML without the comments by which Lit finds its parts. */
const markup = (template: unknown): string => drawn(template).innerHTML.replace(/<!--.*?-->/g, '');

it('builds the same as the browser’s parser', () => {
  expect(markup(html`<p class="a b" hidden>one <b>two</b></p><img alt=""><input type="text" /><i data-of=c></i>`)).toBe(
    '<p class="a b" hidden="">one <b>two</b></p><img alt=""><input type="text"><i data-of="c"></i>',
  );
});

it('fills attributes, whole and in part, properties, listeners and content between tags', () => {
  const onClick = vi.fn();
  const place = drawn(
    html`<button class="x ${'y'} ${'z'}" title=${'t'} ?disabled=${false} aria-label=${nothing} .textContent=${'<b>'} @click=${onClick}></button>${['1', html`<i></i>`]}`,
  );
  const button = place.querySelector('button');
  button?.click();
  expect(onClick).toHaveBeenCalledOnce();
  expect(button?.outerHTML).toBe('<button class="x y z" title="t">&lt;b&gt;</button>');
  expect(place.innerHTML.replace(/<!--.*?-->/g, '').slice(-8)).toBe('1<i></i>');
});

it('keeps the namespace and the case of svg content, also in a template of its own', () => {
  const path = svg`<path pathLength="1" d=${'M0 0'} /><g><rect x="1" /></g>`;
  const place = drawn(html`<svg viewBox="0 0 1 1">${path}</svg><p></p>`);
  const names = [...place.querySelectorAll('*')].map(({ localName, namespaceURI }) => `${localName} ${namespaceURI?.split('/').at(-1)}`);
  expect(names).toEqual(['svg svg', 'path svg', 'g svg', 'rect svg', 'p xhtml']);
  expect(place.querySelector('svg')?.getAttribute('viewBox')).toBe('0 0 1 1');
  expect(place.querySelector('path')?.getAttribute('pathLength')).toBe('1');
});

it('updates what it drew', () => {
  const place = document.createElement('div');
  for (const word of ['one', 'two']) render(html`<p title=${word}>${word === 'one' ? nothing : html`<b></b>`}</p>`, place);
  expect(place.innerHTML.replace(/<!--.*?-->/g, '')).toBe('<p title="two"><b></b></p>');
});

it('keeps what follows a template that ends with a value', () => {
  const place = document.createElement('div');
  const row = (more: string): unknown => html`<b></b>${more === '' ? nothing : html`<i title=${more}></i>`}`;
  for (const more of ['', 'one', '', 'two']) render(html`<p>${[row(more), row(''), row('')]}</p><hr>`, place);
  expect(place.innerHTML.replace(/<!--.*?-->/g, '')).toBe('<p><b></b><i title="two"></i><b></b><b></b></p><hr>');
});
