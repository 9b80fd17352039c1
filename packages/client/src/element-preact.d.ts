/** `<qrcast-login>` in Preact's JSX. */

import type { HTMLAttributes } from 'preact';
import type { LoginAttributes, LoginListeners, LoginProperties, QrcastLoginElement } from './element.js';

type LoginProps = Omit<HTMLAttributes<QrcastLoginElement>, keyof LoginAttributes> & LoginAttributes & LoginProperties & LoginListeners;

declare module 'preact' {
  namespace JSX {
    interface IntrinsicElements {
      'qrcast-login': LoginProps;
    }
  }
}
