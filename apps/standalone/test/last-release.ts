/** For tests of upgrades: the release that this version has to work beside. OPERATING.md promises it. */

/**
 * By its commit and not by its tag, because a clone may have no tags. It moves on with each release:
 * processes of two releases in a row may run together.
 */
export const LAST_RELEASE = { version: '0.9.0', commit: 'aba447a97cf9c6e78ebe7ebfc73b289afa663e1a' } as const;
