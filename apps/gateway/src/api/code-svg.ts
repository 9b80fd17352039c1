/**
 * Draws a code as an SVG picture: sharp at any size, and black on white on any background, because
 * a scanner needs both.
 */

import { encodeQR } from 'qr';

/** Width of the white border, in modules (ISO/IEC 18004). */
const QUIET_ZONE = 4;
/** Pixels of a module, for viewers that set no size of the picture. */
const SCALE = 8;

/**
 * Draws `text`, at most 1,024 bytes, as one path in which each run of dark modules is a rectangle.
 */
export function drawCode(text: string): string {
  const rows = encodeQR(text, 'raw', { ecc: 'medium', border: QUIET_ZONE });
  const path = rows.map((row, y) => {
    const runs = row.map(Number).join('').matchAll(/1+/g);
    return Array.from(runs, ({ index, 0: { length } }) => `M${index} ${y}h${length}v1h-${length}z`).join('');
  });
  const side = rows.length;
  return svg(side * SCALE, side * SCALE, side, side, `<path d="${path.join('')}"/>`);
}

/**
 * Wraps a PNG whose code could not be read. `image` is a data URL that the worker has checked, so
 * nothing in it needs escaping.
 */
export function wrapPicture(image: string): string {
  const header = Buffer.from(image.slice(image.indexOf(',') + 1, image.indexOf(',') + 33), 'base64');
  const [width, height] = [header.readUInt32BE(16), header.readUInt32BE(20)];
  return svg(width, height, width, height, `<image width="${width}" height="${height}" image-rendering="pixelated" href="${image}"/>`);
}

function svg(width: number, height: number, unitsAcross: number, unitsDown: number, content: string): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${unitsAcross} ${unitsDown}" ` +
    `shape-rendering="crispEdges"><title>QR code</title><rect width="100%" height="100%" fill="#fff"/>${content}</svg>`
  );
}
