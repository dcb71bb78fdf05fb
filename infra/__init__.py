"""The CDK app: the whole system on AWS, as data (`config`), parts (`components`) and the stacks that wire them."""
