import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from './child.ts';
import { CLOUD_HOSTS, type Keystone } from './keystone.ts';
import type { Lab } from './lab.ts';

/** Debian's packages of Go's libraries are here, and are enough: nothing is fetched. */
const GO_ENVIRONMENT = { GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOTOOLCHAIN: 'local' } as const;

/** Builds gophercloud-client.go. @returns the program */
export async function buildGophercloudClient(lab: Lab): Promise<string> {
  const program = join(lab.directory, 'gophercloud-client');
  await mustRun(['go', 'build', '-o', program, 'test/support/gophercloud-client.go'], {
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

/**
 * Writes a configuration of Terraform that needs no provider and keeps its state in the cloud.
 *
 * @returns the command that applies it, of `sh`, with an empty state of its own
 */
export async function terraformCommand(lab: Lab, keystone: Keystone, name: string): Promise<string> {
  const folder = join(lab.directory, `terraform-${name}`);
  await mkdir(folder);
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
  const terraform = `SSL_CERT_FILE=${keystone.caFile} CHECKPOINT_DISABLE=1 terraform -chdir=${folder}`;
  return `${terraform} init -input=false -no-color && ${terraform} apply -input=false -no-color -auto-approve`;
}
