/** The cause of a login that broke off before the bastion had said anything about it; whoever tries again must bound that. */
export class LoginCutOff extends Error {
  override readonly name = 'LoginCutOff';
}
