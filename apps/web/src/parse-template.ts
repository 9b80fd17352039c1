/**
 * Turns a template into the form that Lit's own compiler gives it, without the browser's HTML parser.
 *
 * Lit writes templates into `innerHTML`. Under Trusted Types that needs a policy, and Lit's has a fixed name: a page that has Lit itself, or
 * any second copy, has taken the name, and the browser refuses it a second time. Built by `createElement`, a template needs no policy at all.
 *
 * Reads what our templates are made of and no more: elements, attributes without entities, and no comments.
 */

import type { CompiledTemplate } from 'lit';
import { PartType } from 'lit/directive.js';
import { _$LH as lit } from 'lit-html/private-ssr-support.js';

type Part = CompiledTemplate['parts'][number];
type AttributePartType = Extract<Part, { readonly type: typeof PartType.ATTRIBUTE }>['ctor'];

/** Stands for a value. No template has this character. */
const HOLE = '\uFFFC';
const TOKEN = /<(\/?)([a-z][\w-]*)((?:[^>"]|"[^"]*")*?)(\/?)>|\uFFFC|[^<\uFFFC]+/gi;
const ATTRIBUTE = /([^\s=]+)(?:=(?:"([^"]*)"|(\S+)))?/g;
const SVG = 'http://www.w3.org/2000/svg';
/** HTML elements that have no end. */
const VOID: ReadonlySet<string> = new Set(['br', 'hr', 'img', 'input']);

/** Lit finds a part's node by counting elements and comments in document order. */
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
  return { el, parts, h: strings };
}

/** Sets those that stand as they are. @returns the parts of those with values */
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
