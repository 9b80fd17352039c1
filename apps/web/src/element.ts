/**
 * The gateway serves this as `/element.js`. It defines `<qrcast-login>` once, however often the
 * script is loaded.
 */

import { LoginElement } from './login-element.ts';

if (customElements.get('qrcast-login') === undefined) customElements.define('qrcast-login', LoginElement);
