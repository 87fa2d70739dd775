/** The cause of a login that broke off before the bastion had answered; retries must be bounded. */
export class LoginCutOff extends Error {
  override readonly name = 'LoginCutOff';
}
