// A client of OpenStack that logs in as the Terraform provider does, with the provider's own package for that: clouds.yaml,
// catalog, calls. Prints what it finds. With `calls`, it then makes two calls for each line that it reads, the first on a
// connection that it keeps, the other on a new one, until a call fails or there are no more lines.
package main

import (
	"bufio"
	"fmt"
	"net/http"
	"os"

	"github.com/gophercloud/gophercloud"
	"github.com/gophercloud/gophercloud/openstack/imageservice/v2/images"
	"github.com/gophercloud/gophercloud/openstack/networking/v2/networks"
	"github.com/gophercloud/utils/client"
	"github.com/gophercloud/utils/terraform/auth"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "failed:", err)
		os.Exit(1)
	}
}

// The provider's defaults, but for DelayedAuth: the package of Debian 13 takes for that a lock that the package of Debian 12
// has no field for. It logs in all the same, here instead of at the first call.
func logIn() *auth.Config {
	config := &auth.Config{Cloud: os.Getenv("OS_CLOUD"), AllowReauth: true}
	must(config.LoadAndValidate())
	return config
}

func networkService(config *auth.Config) *gophercloud.ServiceClient {
	service, err := config.NetworkingV2Client(config.Region)
	must(err)
	return service
}

func networkNames(service *gophercloud.ServiceClient) []string {
	page, err := networks.List(service, nil).AllPages()
	must(err)
	found, err := networks.ExtractNetworks(page)
	must(err)
	names := []string{}
	for _, network := range found {
		names = append(names, network.Name)
	}
	return names
}

func main() {
	config := logIn()
	kept := networkService(config)
	fmt.Println("networks", networkNames(kept))
	imageService, err := config.ImageV2Client(config.Region)
	must(err)
	page, err := images.List(imageService, nil).AllPages()
	must(err)
	found, err := images.ExtractImages(page)
	must(err)
	for _, image := range found {
		fmt.Println("image", image.Name)
	}
	if len(os.Args) < 2 || os.Args[1] != "calls" {
		return
	}
	other := logIn()
	fresh := networkService(other)
	networkNames(fresh)
	other.OsClient.HTTPClient.Transport.(*client.RoundTripper).Rt.(*http.Transport).DisableKeepAlives = true
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	for count := 1; lines.Scan(); count++ {
		networkNames(kept)
		networkNames(fresh)
		fmt.Println("calls", count)
	}
}
