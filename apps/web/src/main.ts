/** The hosted login page `/connect#<ticket>`: reads the address, and opens the page in the language of its viewer. */

import { Page } from './page.ts';
import { chooseLanguage, TEXTS } from './texts.ts';
import { takeTicket } from './ticket.ts';

function main(): void {
  const parent = document.getElementById('app');
  if (parent === null) throw new Error('expected an element #app in the page');
  const language = chooseLanguage(location.search, navigator.language);
  document.documentElement.lang = language;
  new Page(TEXTS[language], parent).open(takeTicket());
  // Another link pasted into this tab changes only the fragment, which loads nothing by itself.
  addEventListener('hashchange', () => location.reload());
}

main();
