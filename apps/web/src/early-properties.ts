/**
 * A page may set properties on an element before the element's class is defined. They become own
 * properties of the element and hide those of the class. This function deletes them and sets them
 * again through the class. Call it in the constructor.
 *
 * Lit does this too, but late. It keeps such values until it first draws, and then overwrites what
 * was set in between. So the class must deny them in `hasOwnProperty`.
 *
 * @returns the names of the adopted properties. The browser reports the element's attributes after
 *   the constructor, and a property takes precedence over its attribute
 */
export function adoptEarly(element: object, names: Iterable<PropertyKey>): readonly PropertyKey[] {
  return [...names].filter((name) => {
    const early = Object.getOwnPropertyDescriptor(element, name);
    if (early === undefined) return false;
    Reflect.deleteProperty(element, name);
    return Reflect.set(element, name, early.value);
  });
}
