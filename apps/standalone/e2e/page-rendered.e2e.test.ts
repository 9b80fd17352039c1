/**
 * A login that is not rendered causes no polls. It shows a code soon after it is rendered. Other
 * ways to hide it are in page-rendered.e2e.release.test.ts.
 */

import { describe, it } from 'vitest';
import { type HiddenFrame, type Hiding, useRenderedScene } from '../test/rendered-scene.ts';

const scene = useRenderedScene();

const HIDINGS: readonly Hiding[] = [
  ['that is `hidden`', '<div id="box">%</div>', `q('qrcast-login').hidden = true`, `q('qrcast-login').hidden = false`],
  ['in a closed dialog', '<dialog id="box">%</dialog>', `q('#box').close()`, `q('#box').showModal()`],
  [
    'without a box of its own',
    '<div id="box">%</div>',
    `q('#box').hidden = true`,
    `q('#box').hidden = q('qrcast-login').style.display = 'contents', q('#box').hidden = false`,
  ],
];

const FRAMES: readonly HiddenFrame[] = [['a hidden frame on another site', 'otherOrigin', '<div id="box" hidden>%</div>']];

describe.concurrent('an element', () => {
  it.for(HIDINGS)('%s causes no polls until it is rendered, and none after', (hiding, { expect }) => scene.checkHiding(expect, hiding));

  it('in a shadow root of a hidden host causes none', ({ expect }) => scene.checkShadowRoot(expect));

  it('that is scrolled out of view is polled, and shows its code when it is put elsewhere', async () => {
    const { page } = await scene.openElement(
      '<div style="height: 9000px"></div><div style="content-visibility: auto">%</div><p id="other"></p>',
    );
    await page.waitForFunction(`globalThis.told === 'showing'`);
    await page.evaluate(`delete globalThis.told, document.querySelector('#other').append(document.querySelector('qrcast-login'))`);
    await page.waitForFunction(`globalThis.told === 'showing'`);
    await page.context().close();
  });
});

describe('the hosted page', () => {
  it.for(FRAMES)('in %s causes no polls until that is shown', (hidden, { expect }) => scene.checkFrame(expect, hidden));
});
