# Homebrew's formula for Linux and macOS; .ci/release fills in what stands between @ signs. It goes into a tap: homebrew-core wants a notable
# project, and builds from source. Its node is no Node.js that may be granted root (native-notes/macos-node.md): tshuttle says so where
# that matters.
class Tshuttle < Formula
  desc "Reach networks behind a bastion: TCP through one ssh connection"
  homepage "@HOMEPAGE@"
  url "@TARBALL_URL@"
  sha256 "@SHA256_HEX@"
  license "MIT"

  depends_on "node"

  def install
    system "npm", "install", *std_npm_args
    bin.install_symlink libexec.glob("bin/*")
    man1.install_symlink libexec.glob("lib/node_modules/tshuttle/dist/man/*.1")
    generate_completions_from_executable(bin/"tshuttle", "completion")
  end

  test do
    assert_equal "tshuttle #{version}", shell_output("#{bin}/tshuttle --version").strip
    assert_match "10.0.0.0/8", shell_output("#{bin}/tshuttle -r bastion --dry-run --method nft 10.0.0.0/8 2>&1")
  end
end
