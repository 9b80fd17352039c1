/** The buttons of a page: menu on small screens, theme, and search. */

const root = document.documentElement;

function find<Type extends Element>(selector: string): Type {
  const found = document.querySelector<Type>(selector);
  if (found === null) throw new Error(`expected the page to have ${selector}`);
  return found;
}

const menuButton = find<HTMLButtonElement>('.menu-button');
menuButton.addEventListener('click', () => {
  const isOpen = menuButton.getAttribute('aria-expanded') !== 'true';
  menuButton.setAttribute('aria-expanded', String(isOpen));
  find('#menu').classList.toggle('open', isOpen);
});

find('.theme-button').addEventListener('click', () => {
  const isDark =
    root.dataset['theme'] === undefined ? matchMedia('(prefers-color-scheme: dark)').matches : root.dataset['theme'] === 'dark';
  root.dataset['theme'] = isDark ? 'light' : 'dark';
  try {
    localStorage.setItem('qrcast-docs-theme', root.dataset['theme']);
  } catch {
    // Storage can be forbidden. The choice ends with the page then.
  }
});

/** The index is loaded when somebody searches. */
async function openSearch(): Promise<void> {
  const dialog = find<HTMLDialogElement>('dialog.search');
  if (!dialog.open) dialog.showModal(); // at once, so that nothing typed is lost
  const { prepareSearch } = await import('./search.ts');
  await prepareSearch(dialog);
}

find('.search-button').addEventListener('click', () => void openSearch());
document.addEventListener('keydown', (event) => {
  const isTyping = event.target instanceof HTMLInputElement;
  const isSearch = (event.key === '/' && !isTyping) || (event.key === 'k' && (event.ctrlKey || event.metaKey));
  if (!isSearch) return;
  event.preventDefault();
  void openSearch();
});
