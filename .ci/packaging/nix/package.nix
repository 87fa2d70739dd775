# Nix: pkgs.callPackage ./package.nix { }. .ci/release fills in what stands between @ signs; the two hashes are told by the first builds,
# which fail for them. It builds from the repository, as nixpkgs does.
{
  lib,
  buildNpmPackage,
  fetchgit,
  installShellFiles,
  nodejs_22,
}:

buildNpmPackage rec {
  pname = "tshuttle";
  version = "@VERSION@";

  src = fetchgit {
    url = "@REPOSITORY@";
    rev = "v${version}";
    hash = lib.fakeHash;
  };

  npmDepsHash = lib.fakeHash;
  nodejs = nodejs_22;
  # ssh2's native code is not needed: Node.js has an OpenSSL (native-notes/openssl-in-node.md).
  npmFlags = [ "--ignore-scripts" ];

  nativeBuildInputs = [ installShellFiles ];

  postInstall = ''
    installManPage dist/man/tshuttle.1
    installShellCompletion --cmd tshuttle \
      --bash <($out/bin/tshuttle completion bash) \
      --zsh <($out/bin/tshuttle completion zsh) \
      --fish <($out/bin/tshuttle completion fish)
  '';

  meta = {
    description = "Reach networks behind a bastion: TCP through one ssh connection";
    homepage = "@HOMEPAGE@";
    license = lib.licenses.mit;
    mainProgram = "tshuttle";
    platforms = lib.platforms.linux ++ lib.platforms.darwin;
  };
}
