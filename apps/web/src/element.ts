/** What the gateway serves as `/element.js`: defines `<qrcast-login>`, once, however often the script is loaded. */

import { LoginElement } from './login-element.ts';

if (customElements.get('qrcast-login') === undefined) customElements.define('qrcast-login', LoginElement);
