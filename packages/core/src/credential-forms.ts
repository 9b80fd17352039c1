/**
 * The form of a provider instance's credentials, for whoever checks them without taking a whole
 * request.
 */

/**
 * The first four digits name the provider's host, hence at least four; ten in its documents, twelve
 * in the wild.
 */
export const INSTANCE_ID = /^\d{4,20}$/;
/** No dots, slashes or percent signs: at the provider it is a path segment. */
export const API_TOKEN = /^[A-Za-z0-9_-]{8,256}$/;
/** Of a tenant, in this service. */
export const TENANT_ID = /^[a-z0-9][a-z0-9_-]{0,62}$/;
