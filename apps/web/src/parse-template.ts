/**
 * Turns a template into the form that Lit's own compiler produces, without the browser's HTML
 * parser.
 *
 * Lit writes templates into `innerHTML`. Under Trusted Types that needs a policy, and the name of
 * Lit's policy is fixed. If the page uses Lit too, it has taken that name, and the browser refuses
 * the second use. A template built with `createElement` needs no policy.
 *
 * It reads only what our templates contain: elements, and attributes without entities. No comments.
 */

import type { CompiledTemplate } from 'lit';
import { PartType } from 'lit/directive.js';
import { _$LH as lit } from 'lit-html/private-ssr-support.js';

type Part = CompiledTemplate['parts'][number];
type AttributePartType = Extract<Part, { readonly type: typeof PartType.ATTRIBUTE }>['ctor'];

/** Marks a value. No template contains this character. */
const HOLE = '\uFFFC';
const TOKEN = /<(\/?)([a-z][\w-]*)((?:[^>"]|"[^"]*")*?)(\/?)>|\uFFFC|[^<\uFFFC]+/gi;
const ATTRIBUTE = /([^\s=]+)(?:=(?:"([^"]*)"|(\S+)))?/g;
const SVG = 'http://www.w3.org/2000/svg';
/** HTML elements without an end tag. */
const VOID: ReadonlySet<string> = new Set(['br', 'hr', 'img', 'input']);

/**
 * `index` counts elements and comments in document order, because Lit finds the node of a part by
 * that.
 */
export function parseTemplate(strings: TemplateStringsArray, isSvg: boolean): CompiledTemplate {
  const el = document.createElement('template');
  const parts: Part[] = [];
  const open: (DocumentFragment | Element)[] = [];
  let parent: DocumentFragment | Element = el.content;
  let index = 0;
  for (const [token, isEnd, tag, attributes = '', isClosed] of strings.join(HOLE).matchAll(TOKEN)) {
    if (token === HOLE) {
      parent.append(document.createComment(''));
      parts.push({ type: PartType.CHILD, index: index++ });
    } else if (tag === undefined) parent.append(token);
    else if (isEnd === '/') parent = open.pop() ?? el.content;
    else {
      const inSvg = tag === 'svg' || (parent === el.content ? isSvg : parent instanceof SVGElement);
      const element: Element = inSvg ? document.createElementNS(SVG, tag) : document.createElement(tag);
      parts.push(...addAttributes(element, attributes, index++));
      parent.append(element);
      if (isClosed === '/' || VOID.has(tag)) continue;
      open.push(parent);
      parent = element;
    }
  }
  // A part ends where its next node begins. Without one, it would take what follows the template.
  if (strings[strings.length - 1] === '') el.content.append(document.createComment(''));
  return { el, parts, h: strings };
}

/**
 * Sets the attributes that contain no value.
 * @returns the parts of the other attributes
 */
function addAttributes(element: Element, attributes: string, index: number): Part[] {
  const parts: Part[] = [];
  for (const [, name = '', quoted, bare = ''] of attributes.matchAll(ATTRIBUTE)) {
    const value = quoted ?? bare;
    if (!value.includes(HOLE)) element.setAttribute(name, value);
    else
      parts.push({
        type: PartType.ATTRIBUTE,
        index,
        name: name.replace(/^[.?@]/, ''),
        strings: value.split(HOLE),
        ctor: partTypeOf(name),
      });
  }
  return parts;
}

function partTypeOf(name: string): AttributePartType {
  switch (name[0]) {
    case '.':
      return lit.PropertyPart;
    case '?':
      return lit.BooleanAttributePart;
    case '@':
      return lit.EventPart;
    default:
      return lit.AttributePart;
  }
}
