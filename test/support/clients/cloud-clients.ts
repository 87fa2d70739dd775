import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab } from '../lab/lab.ts';
import { mustRun } from '../process/child.ts';
import { CLOUD_HOSTS, type Keystone } from '../servers/keystone.ts';

/** Debian's packages of Go's libraries are here, and are enough: nothing is fetched. */
const GO_ENVIRONMENT = { GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOTOOLCHAIN: 'local' } as const;

/** Builds gophercloud-client.go. @returns the program */
export async function buildGophercloudClient(lab: Lab): Promise<string> {
  const program = join(lab.directory, 'gophercloud-client');
  await mustRun(['go', 'build', '-o', program, 'test/support/clients/gophercloud-client.go'], {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: lab.directory,
      GOCACHE: join(lab.directory, 'go-cache'),
      ...GO_ENVIRONMENT,
    },
    timeoutMs: 300_000,
  });
  return program;
}

/** Writes a configuration of Terraform that needs no provider and keeps its state in the cloud, under a name. */
export async function writeTerraform(folder: string, name: string): Promise<void> {
  const address = `https://${CLOUD_HOSTS.swift.name}:8080/state/${name}.tfstate`;
  await writeFile(
    join(folder, 'main.tf'),
    `terraform {
  backend "http" {
    address       = "${address}"
    update_method = "PUT"
  }
}
output "where" { value = "${name}" }
`,
  );
}

/** What Terraform needs in its environment for the cloud's certificates, and not to ask the internet. */
export function terraformEnvironment(keystone: Keystone): Record<string, string> {
  return { SSL_CERT_FILE: keystone.caFile, CHECKPOINT_DISABLE: '1' };
}

/** The command of `sh` that applies {@link writeTerraform}'s configuration with an empty state. */
export async function terraformCommand(lab: Lab, keystone: Keystone, name: string): Promise<string> {
  const variables = Object.entries(terraformEnvironment(keystone)).map(([key, value]) => `${key}=${value}`);
  const folder = join(lab.directory, `terraform-${name}`);
  await mkdir(folder);
  await writeTerraform(folder, name);
  const terraform = `${variables.join(' ')} terraform -chdir=${folder}`;
  return `${terraform} init -input=false -no-color && ${terraform} apply -input=false -no-color -auto-approve`;
}
