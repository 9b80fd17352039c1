/**
 * What a page sets on an element before its class is there becomes a property of the element's own, and hides the class's. It is set anew
 * here. Call it in the constructor.
 *
 * Lit does so, too, but late: it keeps such values until it first draws, and then writes them over what was set in between. So the class has
 * to tell it, by `hasOwnProperty`, that there are none.
 *
 * @returns the names of what was adopted. Attributes that the element had by then are reported after the constructor; a property counts more.
 */
export function adoptEarly(element: object, names: Iterable<PropertyKey>): readonly PropertyKey[] {
  return [...names].filter((name) => {
    const early = Object.getOwnPropertyDescriptor(element, name);
    if (early === undefined) return false;
    Reflect.deleteProperty(element, name);
    return Reflect.set(element, name, early.value);
  });
}
