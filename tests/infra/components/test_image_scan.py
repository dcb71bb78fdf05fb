def test_the_repository_of_a_deploys_images_is_scanned_on_push(production):
    scan = production.one("Storage", "AWS::ECR::RegistryScanningConfiguration")
    (rule,) = scan["Rules"]
    assert rule["ScanFrequency"] == "SCAN_ON_PUSH"
    assert rule["RepositoryFilters"] == [{"Filter": "cdk-hnb659fds-container-assets-*", "FilterType": "WILDCARD"}]
