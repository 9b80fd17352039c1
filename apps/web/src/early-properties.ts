/**
 * What a page sets on an element before its class is there becomes a property of the element's own, and hides the class's. It is set anew
 * here. Call it in the constructor.
 *
 * Lit does so, too, but late: it keeps such values until it first draws, and then writes them over what was set in between. So the class has
 * to tell it, by `hasOwnProperty`, that there are none.
 */
export function adoptEarly(element: object, names: Iterable<PropertyKey>): void {
  for (const name of names) {
    const early = Object.getOwnPropertyDescriptor(element, name);
    if (early === undefined) continue;
    Reflect.deleteProperty(element, name);
    Reflect.set(element, name, early.value);
  }
}
