/** The search dialog. Results are links, so the keyboard works as everywhere; arrows move among them. */

import MiniSearch, { type SearchResult } from 'minisearch';
import { SEARCH_OPTIONS } from '../search-options.ts';

const MOST = 12;
let index: MiniSearch | null = null;
let loading: Promise<void> | null = null;

/** Loads the index, once, and lets the open dialog search in it. @throws {TypeError} if the index cannot be loaded */
export function prepareSearch(dialog: HTMLDialogElement): Promise<void> {
  loading ??= load(dialog).catch((error: unknown) => {
    loading = null; // the next opening tries again
    throw error;
  });
  return loading;
}

async function load(dialog: HTMLDialogElement): Promise<void> {
  const response = await fetch(dialog.dataset['index'] ?? '');
  index = MiniSearch.loadJSON(await response.text(), SEARCH_OPTIONS);
  const input = dialog.querySelector('input');
  input?.addEventListener('input', () => list(dialog, input.value));
  dialog.addEventListener('keydown', (event) => moveAmongResults(dialog, event));
  dialog.addEventListener('click', (event) => {
    // The backdrop belongs to the dialog. A link to a section of this page leaves the page open.
    if (event.target === dialog || event.target instanceof HTMLAnchorElement) dialog.close();
  });
  if (input !== null) list(dialog, input.value); // typed while the index was loading
}

function list(dialog: HTMLDialogElement, words: string): void {
  const results = index?.search(words).slice(0, MOST) ?? [];
  dialog.querySelector('ul')?.replaceChildren(...results.map((result) => item(dialog, result)));
  const status = dialog.querySelector('p');
  if (status !== null) status.textContent = words.trim() !== '' && results.length === 0 ? (dialog.dataset['nothing'] ?? '') : '';
}

function item(dialog: HTMLDialogElement, { id, title, page }: SearchResult): HTMLLIElement {
  const link = document.createElement('a');
  link.href = `${dialog.dataset['root'] ?? ''}${id}`;
  link.textContent = title === page ? title : `${title} · ${page}`;
  const element = document.createElement('li');
  element.append(link);
  return element;
}

function moveAmongResults(dialog: HTMLDialogElement, event: KeyboardEvent): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined) return;
  event.preventDefault();
  const places = [...dialog.querySelectorAll<HTMLElement>('input, a')];
  const here = places.indexOf(document.activeElement as HTMLElement); // an element of the dialog, or not among them
  places[(here + step + places.length) % places.length]?.focus();
}
