/** How text is found, the same where the index is made and where it is read. */

import type { Options } from 'minisearch';

/** A section of a page. */
export interface Section {
  /** Its address in the site. */
  readonly id: string;
  readonly title: string;
  readonly page: string;
  readonly text: string;
}

export const SEARCH_OPTIONS: Options<Section> = {
  fields: ['title', 'page', 'text'],
  storeFields: ['title', 'page'],
  // Endings of Russian words change: beginnings and near words must be found as well.
  searchOptions: { prefix: true, fuzzy: 0.2, boost: { title: 4, page: 2 }, combineWith: 'AND' },
};
