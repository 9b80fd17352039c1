/** All ways to hide a login that page-rendered.e2e.test.ts leaves out. */

import { describe, it } from 'vitest';
import { type HiddenFrame, type Hiding, useRenderedScene } from '../test/rendered-scene.ts';

const scene = useRenderedScene();

const HIDINGS: readonly Hiding[] = [
  ['in a `display: none` parent', '<div id="box">%</div>', `q('#box').style.display = 'none'`, `q('#box').style.display = ''`],
  ['in a hidden popover', '<div id="box" popover="manual">%</div>', `q('#box').togglePopover(false)`, `q('#box').showPopover()`],
  ['in closed details', '<details id="box"><summary>Link</summary>%</details>', `q('#box').open = false`, `q('#box').open = true`],
  ['that is hidden until it is found', '<div id="box">%</div>', `q('#box').hidden = 'until-found'`, `q('#box').hidden = false`],
  ['that is invisible', '<div id="box">%</div>', `q('#box').style.visibility = 'hidden'`, `q('#box').style.visibility = ''`],
];

const FRAMES: readonly HiddenFrame[] = [
  ['a hidden frame', 'origin', '<div id="box" hidden>%</div>'],
  ['a frame in a part of the page that is not drawn yet', 'otherOrigin', '<div id="box" hidden="until-found">%</div>'],
];

describe.concurrent('an element', () => {
  it.for(HIDINGS)('%s causes no polls until it is rendered, and none after', (hiding, { expect }) => scene.checkHiding(expect, hiding));
});

describe('the hosted page', () => {
  it.for(FRAMES)('in %s causes no polls until that is shown', (hidden, { expect }) => scene.checkFrame(expect, hidden));
});
