/**
 * The form of a provider instance's credentials, for modules that check these apart from a whole
 * request.
 */

/**
 * The first four digits name the provider's host, so there are at least four. The provider's
 * documents show ten, real ids have up to twelve.
 */
export const INSTANCE_ID = /^\d{4,20}$/;
/** No dots, slashes or percent signs, because the token is a segment of a path at the provider. */
export const API_TOKEN = /^[A-Za-z0-9_-]{8,256}$/;
/** The id of a tenant of this service. */
export const TENANT_ID = /^[a-z0-9][a-z0-9_-]{0,62}$/;
