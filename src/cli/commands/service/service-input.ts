/** Arguments of the commands about services. */
export interface ServiceInput {
  readonly names: readonly string[];
  readonly system: boolean;
  readonly print: boolean;
  readonly json: boolean;
}
