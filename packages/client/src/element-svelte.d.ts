/** `<qrcast-login>` in Svelte's markup. */

import type { HTMLAttributes } from 'svelte/elements';
import type { LoginAttributes, LoginListeners, LoginProperties, QrcastLoginElement } from './element.js';

type LoginProps = Omit<HTMLAttributes<QrcastLoginElement>, keyof LoginAttributes> & LoginAttributes & LoginProperties & LoginListeners;

declare module 'svelte/elements' {
  interface SvelteHTMLElements {
    'qrcast-login': LoginProps;
  }
}
