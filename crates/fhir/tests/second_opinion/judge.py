"""Says of each line, a resource as JSON, whether the models of fhir.resources take it: a line "accepted" or "refused" for each."""

import json
import sys
from decimal import Decimal

import fhir.resources
from fhir.resources import get_fhir_model_class

if fhir.resources.__fhir_version__ != "4.0.1":
    sys.exit("these models are not those of FHIR 4.0.1")


def takes(line: str) -> bool:
    resource = json.loads(line, parse_float=Decimal)
    try:
        get_fhir_model_class(resource["resourceType"]).parse_obj(resource)
    except Exception:  # whatever it is: the resource is not taken
        return False
    return True


for line in sys.stdin:
    print("accepted" if takes(line) else "refused")
