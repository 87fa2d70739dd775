/** Keeps each value of an option that may be given more than once. */
export function repeatable(value: string, values: readonly string[] = []): readonly string[] {
  return [...values, value];
}
