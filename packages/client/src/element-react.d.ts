/** `<qrcast-login>` in React's JSX: `@types/react` 18.2.8 or newer. */

import type { DetailedHTMLProps, HTMLAttributes } from 'react';
import type { LoginAttributes, LoginListeners, LoginProperties, QrcastLoginElement } from './element.js';

type LoginProps = Omit<DetailedHTMLProps<HTMLAttributes<QrcastLoginElement>, QrcastLoginElement>, keyof LoginAttributes> &
  LoginAttributes &
  LoginProperties &
  LoginListeners & { class?: string | undefined };

declare module 'react' {
  namespace JSX {
    interface IntrinsicElements {
      'qrcast-login': LoginProps;
    }
  }
}
