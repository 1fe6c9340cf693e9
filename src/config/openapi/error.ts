/** An OpenAPI document that cannot be used; the message names the file, the place and what to do. */
export class OpenApiError extends Error {
  override readonly name = 'OpenApiError'
}
