package main

import "hacluster/internal/tool/resource"

func init() { programs["crm_resource"] = resource.Run }
