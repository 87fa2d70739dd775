"""Which auth_url openstacksdk and the openstack command take, and where the first asks and goes with the catalog of the case: a case a
line (environment, folder, cloud, catalog), an answer a line."""
import argparse
import importlib
import json
import logging
import os
import sys
import warnings

warnings.simplefilter('ignore')
logging.disable()
from keystoneauth1 import exceptions
from keystoneauth1.access import service_catalog
from openstack.config import loader
from osc_lib.api import auth
from osc_lib.cli import client_config


def of_sdk(case):
    return loader.OpenStackConfig().get_one(cloud=case.get('cloud'))


def of_command_line(case):
    parser = argparse.ArgumentParser()
    auth.build_auth_plugins_option_parser(parser)
    # As OpenStackShell.build_option_parser has them.
    parser.add_argument('--os-cloud', dest='cloud', default=os.environ.get('OS_CLOUD', ''))
    parser.add_argument('--os-region-name', dest='region_name', default=os.environ.get('OS_REGION_NAME', ''))
    parser.add_argument('--os-interface', dest='interface', default=os.environ.get('OS_INTERFACE', ''))
    words = ['--os-cloud', case['cloud']] if case.get('cloud') else []
    options = parser.parse_args(words)
    if not options.cloud:
        options.cloud = None
    config = client_config.OSC_Config(override_defaults={'interface': 'public', 'auth_type': 'password'})
    return config.get_one(cloud=options.cloud, argparse=options, validate=True)


class Recorder:
    """A session that nobody answers: it keeps what would be asked."""
    auth = None
    body = None

    def get(self, *_words, **_options):
        raise exceptions.ConnectFailure('not asked')

    def post(self, *_words, json=None, **_options):
        self.body = json
        raise exceptions.ConnectFailure('not asked')


def body_of(region):
    recorder = Recorder()
    try:
        region.get_auth().get_access(recorder)
    except exceptions.ConnectFailure:
        pass
    return recorder.body


def places_of(region, catalog):
    """The URL of each service of the catalog that has one."""
    urls = {}
    for service in catalog:
        kind = service['type']
        url = region.get_endpoint(kind)
        if not url:
            try:
                url = service_catalog.ServiceCatalogV3(catalog).url_for(
                    service_type=kind, interface=region.get_interface(kind), region_name=region.get_region_name(kind))
            except exceptions.EndpointNotFound:
                continue
        urls[kind] = url
    return urls


def attempt(ask):
    try:
        return ask()
    except Exception as error:
        return {'error': f'{type(error).__name__}: {error}'}


def answer(take, case):
    try:
        region = take(case)
        return {
            'authUrl': region.config['auth'].get('auth_url'),
            'region': region.region_name or None,
            'interface': region.config.get('interface'),
            'cacert': region.config.get('cacert'),
            'isInsecure': region.get_requests_verify_args()[0] is False,
            'places': attempt(lambda: places_of(region, case.get('catalog', []))),
            'body': attempt(lambda: body_of(region)) if case.get('asks') else None,
        }
    except Exception as error:
        return {'error': f'{type(error).__name__}: {error}'}


# Finds the plugins once, for all the children.
answer(of_command_line, {})
for line in sys.stdin:
    case = json.loads(line)
    sys.stdout.flush()
    # What is found is decided when the modules are loaded.
    if os.fork() == 0:
        os.environ.clear()
        os.environ.update(case['environment'])
        os.chdir(case['folder'])
        importlib.reload(loader)
        importlib.reload(sys.modules['openstack.config'])
        importlib.reload(client_config)
        print(json.dumps({'sdk': answer(of_sdk, case), 'commandLine': answer(of_command_line, case)}))
        sys.stdout.flush()
        os._exit(0)
    os.wait()
